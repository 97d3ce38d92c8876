package main

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/vouchledger/vouch/api/keys"
)

// keyJSON is a key as `--json` prints it. Text is there once, at creation.
type keyJSON struct {
	ID      string    `json:"id"`
	Role    keys.Role `json:"role"`
	Store   string    `json:"store,omitempty"`
	Shopper string    `json:"shopper,omitempty"`
	Name    string    `json:"name"`
	Created time.Time `json:"created"`
	Revoked time.Time `json:"revoked,omitzero"`
	Text    string    `json:"key,omitempty"`
}

func showKey(k keys.Key, text string) keyJSON {
	return keyJSON{
		ID: k.ID, Role: k.Role, Store: k.Store, Shopper: k.Shopper, Name: k.Name,
		Created: k.Created, Revoked: k.Revoked, Text: text,
	}
}

// newKeysCommand returns `vouch keys`: the keys that people and devices sign
// in with. It works on the data folder and beside a running server.
func newKeysCommand() *cobra.Command {
	var dir string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "keys",
		Short: "Make, list and revoke the keys that people and devices sign in with",
	}
	cmd.PersistentFlags().StringVar(&dir, "data", "", "data folder of the server")
	cmd.PersistentFlags().BoolVar(&asJSON, "json", false, "print JSON")
	if err := cmd.MarkPersistentFlagRequired("data"); err != nil {
		panic("vouch: " + err.Error())
	}
	cmd.AddCommand(newKeysCreateCommand(&dir, &asJSON), newKeysListCommand(&dir, &asJSON),
		newKeysRevokeCommand(&dir, &asJSON))
	return cmd
}

func newKeysCreateCommand(dir *string, asJSON *bool) *cobra.Command {
	var spec keys.Spec
	var role string
	cmd := &cobra.Command{
		Use:   "create",
		Short: "Make a key; its text is shown once and never again",
		Example: `  vouch keys create --data shop --role device --store berlin-1 --name gate-1
  vouch keys create --data shop --role reviewer --name anna
  vouch keys create --data shop --role shopper --shopper p-17`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			store, err := keys.Open(*dir)
			if err != nil {
				return err
			}
			spec.Role = keys.Role(role)
			k, text, err := store.Create(spec, time.Now(), rand.Reader)
			if err != nil {
				return err
			}
			if *asJSON {
				return printJSON(cmd.OutOrStdout(), showKey(k, text))
			}
			// The key alone goes to standard output, so that it can be piped.
			fmt.Fprintf(cmd.ErrOrStderr(), "Key %s for %s. Keep it; it is not shown again:\n", k.ID, k.Actor())
			_, err = fmt.Fprintln(cmd.OutOrStdout(), text)
			return err
		},
	}
	f := cmd.Flags()
	f.StringVar(&role, "role", "", fmt.Sprintf("one of %v", keys.Roles()))
	f.StringVar(&spec.Store, "store", "", "the shop of a device")
	f.StringVar(&spec.Shopper, "shopper", "", "the shopper of a shopper's key")
	f.StringVar(&spec.Name, "name", "", "who holds it, as events will name them")
	if err := cmd.MarkFlagRequired("role"); err != nil {
		panic("vouch: " + err.Error())
	}
	err := cmd.RegisterFlagCompletionFunc("role",
		func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			var names []string
			for _, r := range keys.Roles() {
				names = append(names, string(r))
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		})
	if err != nil {
		panic("vouch: " + err.Error())
	}
	return cmd
}

func newKeysListCommand(dir *string, asJSON *bool) *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the keys, without their secrets",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			store, err := keys.Open(*dir)
			if err != nil {
				return err
			}
			all, err := store.List()
			if err != nil {
				return err
			}
			if *asJSON {
				rows := make([]keyJSON, 0, len(all))
				for _, k := range all {
					rows = append(rows, showKey(k, ""))
				}
				return printJSON(cmd.OutOrStdout(), rows)
			}
			return printKeys(cmd.OutOrStdout(), all)
		},
	}
}

func printKeys(w io.Writer, all []keys.Key) error {
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintln(t, "KEY\tROLE\tNAME\tFOR\tMADE\tREVOKED")
	for _, k := range all {
		revoked := "-"
		if !k.Revoked.IsZero() {
			revoked = k.Revoked.Format(time.RFC3339)
		}
		bound := k.Store + k.Shopper // never both
		if bound == "" {
			bound = "-"
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\n", k.ID, k.Role, k.Name, bound, k.Created.Format(time.RFC3339), revoked)
	}
	return t.Flush()
}

func newKeysRevokeCommand(dir *string, asJSON *bool) *cobra.Command {
	return &cobra.Command{
		Use:   "revoke KEY",
		Short: "End a key for ever; KEY is its id as `vouch keys list` shows it",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			store, err := keys.Open(*dir)
			if err != nil {
				return err
			}
			k, err := store.Revoke(args[0], time.Now())
			if err != nil {
				return err
			}
			if *asJSON {
				return printJSON(cmd.OutOrStdout(), showKey(k, ""))
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "Key %s of %s is revoked.\n", k.ID, k.Actor())
			return err
		},
	}
}

func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(v)
}
