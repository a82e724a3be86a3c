"""The commands that only read as tools for agents, over the Model Context Protocol.

Each tool is a command: its name, its options and its answer are the command's own, so that what
one can ask the other can too. `tools` describes and calls them, `server` speaks the protocol.
"""
