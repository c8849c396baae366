"""What arrives: deliveries, their signatures, and the sender that posts them."""
