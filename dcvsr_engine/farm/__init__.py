"""One job on the devices of several computers, on Ray: the optional extra ``farm``."""
