"""Documents that come from central: the seal is verified and the person compared before a sheet is printed."""
