"""An index on a Milvus server, for a corpus that has outgrown one machine.

Milvus has no transactions. Here every row carries in its key the number of the write that it came with, and one row,
the state, says which writes count and which documents they have replaced: a write is acknowledged by the upsert of
that one row. Before it nobody sees the write, after it everybody does; what a writer that died has left behind is
swept up by the next.

One process writes at a time, and a second is refused. That is agreed upon by a page too, as Milvus knows no locks: a
writer that stood still for ten seconds in the middle of a request, and then goes on, is noticed only before the next.
"""
