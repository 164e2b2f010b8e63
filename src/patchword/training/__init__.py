"""The workshop: recipe, losses, optimizer, schedule, loop and resume; it knows no wing, only the Task protocol."""
