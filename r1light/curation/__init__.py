"""Curation: what is known of stored completions and of data before anything is trained on them."""
