"""The page: messages between a front end and the compiler, and a local server for them."""
