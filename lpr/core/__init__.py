"""The pure heart of the gate agent: grammar, voting, crossing. No OpenCV, no I/O."""
