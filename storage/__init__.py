"""The link graph on disk: link records and anchors as two data sets over one set of pages."""
