"""An ECG drawn on paper, in the page of the desk and in notebooks."""
