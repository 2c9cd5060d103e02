"""What only training needs: mixing, swapping, losses, guidance, and a plain loop. Torch alone is enough."""
