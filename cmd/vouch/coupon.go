package main

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/vouchledger/vouch/billing/coupon"
	"github.com/vouchledger/vouch/ledger"
)

// newCouponCommand returns `vouch coupon`: the key that signs a promotion's
// coupons, and the coupons. It works without a ledger.
func newCouponCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "coupon",
		Short: "Make the key of a promotion's coupons, and coupons",
		Long: `A coupon is a text that the key of its promotion has signed: nobody can invent one, and
the ledger takes each once. The promotion in the shop file names the public half.`,
	}
	cmd.AddCommand(newCouponKeyCommand(), newCouponMakeCommand())
	return cmd
}

func newCouponKeyCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "key FILE",
		Short:   "Write a new key to FILE and print its public half, the coupon_key of a promotion",
		Example: `  vouch coupon key spring.pem`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			public, private, err := ed25519.GenerateKey(rand.Reader)
			if err != nil {
				return fmt.Errorf("coupon key: %w", err)
			}
			der, err := x509.MarshalPKCS8PrivateKey(private)
			if err != nil {
				return fmt.Errorf("coupon key: %w", err)
			}
			f, err := os.OpenFile(args[0], os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
			if err != nil {
				return fmt.Errorf("coupon key: %w", err)
			}
			err = pem.Encode(f, &pem.Block{Type: "PRIVATE KEY", Bytes: der})
			if closed := f.Close(); err == nil {
				err = closed
			}
			if err != nil {
				return fmt.Errorf("coupon key: %w", err)
			}
			fmt.Fprintln(cmd.OutOrStdout(), hex.EncodeToString(public))
			return nil
		},
	}
}

// maxCoupons bounds one call: a print run.
const maxCoupons = 1_000_000

func newCouponMakeCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "make PROMOTION",
		Short:   "Print coupons, one a line",
		Example: `  vouch coupon make spring --key spring.pem --count 500`,
		Args:    cobra.ExactArgs(1),
	}
	path := cmd.Flags().String("key", "", "file of the key")
	count := cmd.Flags().Int("count", 1, "how many")
	if err := cmd.MarkFlagRequired("key"); err != nil {
		panic("vouch: " + err.Error())
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if *count < 1 || *count > maxCoupons {
			return fmt.Errorf("%d coupons: want 1 to %d", *count, maxCoupons)
		}
		key, err := couponKey(*path)
		if err != nil {
			return err
		}
		for range *count {
			serial, err := ledger.NewID(time.Now(), rand.Reader)
			if err != nil {
				return err
			}
			text, err := coupon.New(key, args[0], serial.String())
			if err != nil {
				return err
			}
			fmt.Fprintln(cmd.OutOrStdout(), text)
		}
		return nil
	}
	return cmd
}

// couponKey reads a key that others may not read: whoever does can make
// coupons.
func couponKey(path string) (ed25519.PrivateKey, error) {
	st, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("coupon key: %w", err)
	}
	if st.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("coupon key: others may read %s (%v): take the rights away (chmod 600)", path, st.Mode().Perm())
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("coupon key: %w", err)
	}
	block, _ := pem.Decode(b)
	if block == nil {
		return nil, fmt.Errorf("coupon key: %s holds no private key in PEM", path)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("coupon key: %s: %w", path, err)
	}
	key, ok := parsed.(ed25519.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("coupon key: %s: want Ed25519, have %T", path, parsed)
	}
	return key, nil
}
