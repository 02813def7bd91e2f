"""How far each stock record is to be believed: phantom and hidden stock, what to count, which locations are unreliable."""
