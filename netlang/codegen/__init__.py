"""Programs in other languages, generated from graphs and trees."""
