"""Tests of the policies, of what they judge, and of the three places they are asked in."""
