"""What people and machines read after a run: terminal text, failure messages, JUnit."""
