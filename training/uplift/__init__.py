"""What a campaign changes: learned from one whose treatment was given at random, and judged against chance."""
