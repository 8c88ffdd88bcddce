"""The generated corpus of the miniature base models: traces of sums, countdown games and programs,
general questions, and some prose.

Most traces guess, and are often wrong; some work step by step, with slips; a few notice a slip and mend it;
some change language in the middle; some forget a tag. What reinforcement learning has to find is that
thinking longer, and mending slips, pays.
"""
