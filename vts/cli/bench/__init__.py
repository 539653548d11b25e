"""`vts bench`: how fast VTS is on this machine, beside references of the same run, and whether its ledger balances.

Every load is a process of its own, so that no figure contains the generator. A benchmark that lost an event, or counted
one twice, ends with 1.
"""
