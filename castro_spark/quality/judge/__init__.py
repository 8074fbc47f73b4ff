"""The judgements: measured evidence and limits in, a result out. Pure: no database, no clock."""
