"""What runs on the other side: the fork servers, the cage, and the processes in it.

Everything here imports the standard library alone, as it is run by a bare interpreter that sees no installed
package: `python -s -S -B -P .../jail <socket>`.
"""
