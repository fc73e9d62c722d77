"""What a change of the project does to each stack of the fleet."""
