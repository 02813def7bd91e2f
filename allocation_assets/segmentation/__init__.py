"""Segmentation: ABC by gross margin, XYZ by variability, velocity, margin rate and service target per SKU."""
