"""Article 11 in the service: minutes are measured, stages follow, suspensions are decided, done and judged on."""
