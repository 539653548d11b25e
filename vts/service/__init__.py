"""What the API does with what a route has read and checked: a use case a function. Routes decide how it is answered."""
