"""The generated corpus of the miniature base models: traces of problems, general questions, some prose.

The problems are sums, countdown games and programs.

Most traces guess, and are often wrong; some work step by step, with slips; a few notice a slip and mend it;
some change language in the middle; some forget a tag. What reinforcement learning has to find is that
thinking longer, and mending slips, pays.
"""
