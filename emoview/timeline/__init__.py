"""Labels, the clock, the result values and their aggregation. Knows no other part."""
