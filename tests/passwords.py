"""Passwords that are hashed at once: what a hash is worth is no matter of most tests."""

import argon2

from people.local import Passwords

QUICK = Passwords(argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
