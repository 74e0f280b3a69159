"""The queue against raw SQLite and its peers, one file a goal: ``make bench``, or ``python -m benchmarks --help``.

A disk's speed may swing tenfold within an hour. So everything that is timed on it is a ratio to raw ``sqlite3`` of the
same round, rounds are interleaved, the median and the spread are printed; flushes and bytes are counted, not timed.
"""
