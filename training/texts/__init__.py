"""What texts say: sentiment and topics, learned from labelled sentences, and turned into features."""
