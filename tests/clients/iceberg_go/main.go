// SPDX-License-Identifier: Apache-2.0

// iceberg_go drives iceberg-go for the tests: one command a line on stdin, one answer a line on stdout, as the drivers in Python
// do (tests/clients/drivers.py says what the commands are).
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"sort"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/iceberg-go"
	"github.com/apache/iceberg-go/catalog/rest"
	"github.com/apache/iceberg-go/table"
)

type row struct {
	id   int64
	name string
}

type command struct {
	Do        string            `json:"do"`
	Namespace string            `json:"namespace"`
	Table     string            `json:"table"`
	Rows      [][]any           `json:"rows"`
	Set       map[string]string `json:"set"`
}

type client struct{ catalog *rest.Catalog }

func connect(ctx context.Context) (*rest.Catalog, error) {
	// docs/reference/clients.md: begin
	catalog, err := rest.NewCatalog(ctx, "prod", os.Getenv("PRETZEL_CATALOG_URI"),
		rest.WithOAuthToken(os.Getenv("PRETZEL_CATALOG_TOKEN")))
	// docs/reference/clients.md: end
	return catalog, err
}

func (c client) list(ctx context.Context, namespace string) ([]string, error) {
	names := []string{}
	for identifier, err := range c.catalog.ListTables(ctx, strings.Split(namespace, ".")) {
		if err != nil {
			return nil, err
		}
		names = append(names, strings.Join(identifier, "."))
	}
	sort.Strings(names)
	return names, nil
}

func (c client) read(ctx context.Context, name string) ([][]any, error) {
	loaded, err := c.catalog.LoadTable(ctx, strings.Split(name, "."))
	if err != nil {
		return nil, err
	}
	read, err := loaded.Scan().ToArrowTable(ctx)
	if err != nil {
		return nil, err
	}
	defer read.Release()
	rows := []row{}
	batches := array.NewTableReader(read, 0)
	defer batches.Release()
	for batches.Next() {
		batch := batches.RecordBatch()
		ids, names := batch.Column(0).(*array.Int64), batch.Column(1).(array.StringLike)
		for at := range int(batch.NumRows()) {
			rows = append(rows, row{ids.Value(at), names.Value(at)})
		}
	}
	sort.Slice(rows, func(a, b int) bool { return rows[a].id < rows[b].id })
	answer := [][]any{}
	for _, each := range rows {
		answer = append(answer, []any{each.id, each.name})
	}
	return answer, nil
}

func (c client) create(ctx context.Context, name string) error {
	schema := iceberg.NewSchema(0,
		iceberg.NestedField{ID: 1, Name: "id", Type: iceberg.PrimitiveTypes.Int64},
		iceberg.NestedField{ID: 2, Name: "name", Type: iceberg.PrimitiveTypes.String})
	_, err := c.catalog.CreateTable(ctx, strings.Split(name, "."), schema)
	return err
}

func (c client) append(ctx context.Context, name string, rows [][]any) error {
	loaded, err := c.catalog.LoadTable(ctx, strings.Split(name, "."))
	if err != nil {
		return err
	}
	schema := arrow.NewSchema([]arrow.Field{
		{Name: "id", Type: arrow.PrimitiveTypes.Int64, Nullable: true},
		{Name: "name", Type: arrow.BinaryTypes.String, Nullable: true},
	}, nil)
	builder := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	defer builder.Release()
	for _, each := range rows {
		builder.Field(0).(*array.Int64Builder).Append(int64(each[0].(float64)))
		builder.Field(1).(*array.StringBuilder).Append(each[1].(string))
	}
	batch := builder.NewRecordBatch()
	defer batch.Release()
	data := array.NewTableFromRecords(schema, []arrow.RecordBatch{batch})
	defer data.Release()
	_, err = loaded.AppendTable(ctx, data, int64(len(rows)), nil)
	return err
}

// An update without requirements goes out as "requirements": null.
func (c client) set(ctx context.Context, name string, properties map[string]string) error {
	updates := []table.Update{table.NewSetPropertiesUpdate(properties)}
	_, err := c.catalog.UpdateTable(ctx, strings.Split(name, "."), nil, updates)
	return err
}

func (c client) answer(ctx context.Context, asked command) (any, error) {
	switch asked.Do {
	case "list":
		return c.list(ctx, asked.Namespace)
	case "read":
		return c.read(ctx, asked.Table)
	case "create":
		return nil, c.create(ctx, asked.Table)
	case "append":
		return nil, c.append(ctx, asked.Table, asked.Rows)
	case "drop":
		return nil, c.catalog.DropTable(ctx, strings.Split(asked.Table, "."))
	case "set":
		return nil, c.set(ctx, asked.Table, asked.Set)
	}
	return nil, fmt.Errorf("no such command: %s", asked.Do)
}

func main() {
	ctx := context.Background()
	catalog, err := connect(ctx)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	answers := json.NewEncoder(os.Stdout)
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var asked command
		var answer any
		err := json.Unmarshal(lines.Bytes(), &asked)
		if err == nil {
			answer, err = client{catalog}.answer(ctx, asked)
		}
		if err != nil {
			answers.Encode(map[string]string{"error": err.Error()})
		} else {
			answers.Encode(map[string]any{"answer": answer})
		}
	}
}
