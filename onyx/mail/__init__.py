"""Mail that Onyx sends: posted as a row with the change that causes it, written and sent by a job."""
