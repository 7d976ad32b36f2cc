"""The messages between a page and the compiler, and how they are written as JSON.

Each is an object with the number of the version, an ``id`` that its answers repeat, and its type.
Offsets count units of UTF-16, as the strings of a browser do; paths are those in the folder.
"""
