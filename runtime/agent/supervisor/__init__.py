"""Makes the agent's programs behave like one well-mannered process: started in order, kept running, ended whole."""
