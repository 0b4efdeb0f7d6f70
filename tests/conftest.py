"""Its being here lets every test import what lies beside it: `from realhosts import real_hosts`."""
