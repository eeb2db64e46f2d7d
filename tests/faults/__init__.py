"""Bad input of every kind for every public function, full disks, and kills at any moment."""
