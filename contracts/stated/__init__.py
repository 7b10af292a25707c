"""What people and other systems state of contracts: recorded, corrected, taken back."""
