"""What contact points look like: the card of a village, sheets on paper."""
