"""The program without an engine: what each stack of a fleet declares, as records to judge and compare."""
