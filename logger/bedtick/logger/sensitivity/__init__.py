"""What a stored night could have found: known jerks are added to its quiet time, and detected again."""
