// Package archive copies a data folder into a backup, and a backup into a data
// folder.
//
// The one idea: each part is copied by who knows what it is. The log goes through
// package embedded, which reads back what it writes; evidence goes by digest;
// the tree is the tree of one checkpoint, which the copied log holds. What gives
// power over others is not copied at all: API keys, ticket key, signing key and
// the shoppers' payment methods have backups of their own, so that what is
// erased there is erased, and so that whoever brings an older log back does not
// bring back the memory of what was signed with it.
//
// # The backup
//
//	ledger/    a log and the list backup.json (package embedded)
//	tlog/      the tree of the checkpoint tlog/checkpoint
//	signer/    the verifier key, and that checkpoint in the place of the last
//	           signed one: what vouch verify needs. No key, and no memory.
//	evidence/  the objects, by digest
//
// # Invariants
//
//   - The log of a backup is whole at every moment, be it the earlier one.
//   - The log holds every event that the tree's checkpoint covers, and the
//     backup has every piece of evidence that an event of the log names, once
//     the command has ended well.
//   - Nothing is written into a folder that holds something else.
package archive
