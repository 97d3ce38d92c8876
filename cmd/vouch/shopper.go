package main

import (
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/vouchledger/vouch/api/payers"
	"github.com/vouchledger/vouch/billing/stripe"
	"github.com/vouchledger/vouch/ledger"
)

func newShopperCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "shopper",
		Short: "Enrol shoppers with a card, and forget them",
	}
	cmd.AddCommand(newEnrolCommand(), newStaffCommand(), newTokenCommand(), newPalmCommand(), newForgetCommand())
	return cmd
}

func newEnrolCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "enrol SHOPPER",
		Short: "Make a customer at Stripe and keep how the shopper pays",
		Long: `Makes a customer at Stripe, ties the payment method to it, and keeps both in the shopper
directory of the data folder, outside the ledger. Enrolling again replaces the card.`,
		Example: `  vouch shopper enrol anna --payment-method pm_card_visa --data vouch-data`,
		Args:    cobra.ExactArgs(1),
	}
	data := addDataFlag(cmd)
	method := cmd.Flags().String("payment-method", "", "pm_… from the app, or one of Stripe's test methods")
	member := cmd.Flags().Bool("member", false, "they get members' prices")
	key := cmd.Flags().String("stripe-key", os.Getenv("VOUCH_STRIPE_KEY"), "secret key (default: $VOUCH_STRIPE_KEY)")
	url := cmd.Flags().String("stripe-url", os.Getenv("VOUCH_STRIPE_URL"), "another server that speaks Stripe's protocol")
	cmd.Flags().Lookup("stripe-key").DefValue = ""
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		gateway, err := stripe.New(stripe.Config{SecretKey: *key, URL: *url})
		if err != nil {
			return err
		}
		defer gateway.Close()
		dir, err := payers.Open(*data)
		if err != nil {
			return err
		}
		card, declined, err := gateway.Enrol(cmd.Context(), stripe.Enrolment{
			Key: fmt.Sprintf("enrol/%s/%d", args[0], time.Now().UnixNano()), Shopper: args[0], PaymentMethod: *method,
		})
		if err != nil {
			return err
		}
		if declined != "" {
			return fmt.Errorf("the bank refuses the card of %s: %s", args[0], declined)
		}
		err = dir.Put(payers.Payer{Shopper: ledger.ShopperID(args[0]), Customer: card.Customer, PaymentMethod: card.PaymentMethod, Member: *member})
		if err != nil {
			return err
		}
		fmt.Fprintf(cmd.OutOrStdout(), "%s pays with %s ending in %s\n", args[0], card.Brand, card.Last4)
		return nil
	}
	return cmd
}

func newStaffCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "staff SHOPPER",
		Short: "Let somebody who works in the shops in without a card",
		Long: `Keeps in the shopper directory that somebody is staff. Their codes open the gate without a
hold; what they take is in the log, and no receipt is made of it.`,
		Args: cobra.ExactArgs(1),
	}
	data := addDataFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		dir, err := payers.Open(*data)
		if err != nil {
			return err
		}
		if err := dir.Put(payers.Payer{Shopper: ledger.ShopperID(args[0]), Staff: true}); err != nil {
			return err
		}
		fmt.Fprintf(cmd.OutOrStdout(), "%s is staff\n", args[0])
		return nil
	}
	return cmd
}

func newTokenCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "token SHOPPER",
		Short: "Say whom a card, or the badge of staff, names at a terminal",
		Long: `Keeps in the shopper directory, under its hash, the token by which a terminal knows a card
that is tapped, a badge, or a palm that it compares by itself. It is never the number of
the card. A palm opens nothing without a consent (vouch shopper palm). Forgetting the
shopper removes it.`,
		Example: `  vouch shopper token anna --card fp_8d2c
  vouch shopper token cleo --badge 0417`,
		Args: cobra.ExactArgs(1),
	}
	data := addDataFlag(cmd)
	card := cmd.Flags().String("card", "", "`TOKEN` of a card, as the terminal gives it")
	badge := cmd.Flags().String("badge", "", "`TOKEN` of a badge")
	palm := cmd.Flags().String("palm", "", "`TOKEN` of a palm, of a terminal that compares palms by itself")
	cmd.MarkFlagsMutuallyExclusive("card", "badge", "palm")
	cmd.MarkFlagsOneRequired("card", "badge", "palm")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		dir, err := payers.Open(*data)
		if err != nil {
			return err
		}
		kind, token, what := ledger.CredentialCard, *card, "card"
		if *badge != "" {
			kind, token, what = ledger.CredentialStaff, *badge, "badge"
		}
		if *palm != "" {
			kind, token, what = ledger.CredentialPalm, *palm, "palm"
		}
		if err := dir.PutToken(kind, token, ledger.ShopperID(args[0])); err != nil {
			return err
		}
		fmt.Fprintf(cmd.OutOrStdout(), "%s is known by a %s\n", args[0], what)
		return nil
	}
	return cmd
}

func newForgetCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "forget SHOPPER",
		Short: "Remove what ties a shopper's id to a card",
		Long: `Removes the shopper from the shopper directory, and destroys the key of their palm's
template; the server records that it did. Their receipts stay, under an id that then names
nobody; all proofs and balances still hold.`,
		Args: cobra.ExactArgs(1),
	}
	from := addSourceFlags(cmd)
	palmKeys := addPalmKeysFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		dir, err := payers.Open(from.data)
		if err != nil {
			return err
		}
		if err := forgetPalm(cmd.Context(), *from, *palmKeys, ledger.ShopperID(args[0])); err != nil {
			return err
		}
		if err := dir.Forget(ledger.ShopperID(args[0])); err != nil {
			return err
		}
		fmt.Fprintf(cmd.OutOrStdout(), "%s is forgotten\n", args[0])
		return nil
	}
	return cmd
}
