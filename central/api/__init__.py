"""The interface over HTTPS: one router a subject, each a thin skin over the office's parts."""
