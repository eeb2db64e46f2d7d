"""Formats of recorders and hospitals: one module each, with the layout in its docstring."""
