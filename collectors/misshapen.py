"""What code raises that reads a body of another form than it was written for, and nothing else."""

MISSHAPEN = (
    ArithmeticError,  # a number that JSON's writers do not take
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,  # also what cannot be decoded or encoded
)
