"""What web clients and services report: bodies decoded, fields checked, the decision, the reply."""
