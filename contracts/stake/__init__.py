"""What a question is worth: the difference that an answer would make to what is billed."""
