"""Every contract: the wire (scoring) and the bundle. Generated code stands beside its .proto."""
