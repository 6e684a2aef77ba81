"""Stored runs of every format there ever was, which every later release must load and drive on."""
