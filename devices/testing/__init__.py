"""Contract suites: public, so that a driver kept elsewhere can prove itself by subclassing one."""
