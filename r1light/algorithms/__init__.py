"""The recipe's mathematics as pure functions: tensors in, frozen dataclasses out, no config and no logging.

Importing this package, and `presets` in it, loads no torch; every other module does.
"""
