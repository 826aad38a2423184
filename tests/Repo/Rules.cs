using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Penstock.Repo.Tests;

/// <summary>The rules on the shape of a source file. Each takes a path and a text and returns the breaches.</summary>
internal static class Rules
{
    public const int FileLinesMax = 300;
    public const int TestFileLinesMax = 500;
    public const int MethodLinesMax = 60;
    public const int LineLengthMax = 120;
    public const int ConstructorParametersMax = 6;

    public static IReadOnlySet<string> Names { get; } = new HashSet<string>(StringComparer.Ordinal)
    {
        "file-lines", "method-lines", "line-length", "constructor-parameters", "type-name", "test-name",
    };

    // Words that say nothing about what a type is for. Compared word by word: Database and Baseline are fine.
    private static readonly HashSet<string> s_emptyWords = new(StringComparer.Ordinal)
    {
        "Manager", "Managers", "Helper", "Helpers", "Util", "Utils", "Utility", "Utilities", "Common", "Base", "Impl",
    };

    public static IEnumerable<Finding> FileLines(string file, string text)
    {
        var lines = text.Count(c => c == '\n');
        return lines > (Repository.IsTest(file) ? TestFileLinesMax : FileLinesMax)
            ? [new("file-lines", file, lines)]
            : [];
    }

    /// <summary>One finding a file: the longest line, so that an entry does not move with the lines above it.</summary>
    public static IEnumerable<Finding> LineLength(string file, string text)
    {
        var longest = text.Split('\n').Max(l => l.Length);
        return longest > LineLengthMax ? [new("line-length", file, longest)] : [];
    }

    public static IEnumerable<Finding> MethodLines(string file, string text)
    {
        foreach (var node in Nodes(text))
        {
            var isCode =
                node is BaseMethodDeclarationSyntax or AccessorDeclarationSyntax or LocalFunctionStatementSyntax;
            if (isCode && Lines(node) is var lines && lines > MethodLinesMax)
            {
                yield return new("method-lines", $"{file}::{NameOf(node)}", lines);
            }
        }
    }

    public static IEnumerable<Finding> ConstructorParameters(string file, string text)
    {
        foreach (var node in Nodes(text))
        {
            var parameters = node switch
            {
                ConstructorDeclarationSyntax c => c.ParameterList,
                TypeDeclarationSyntax t => t.ParameterList,
                _ => null,
            };
            if (parameters?.Parameters.Count > ConstructorParametersMax)
            {
                yield return new("constructor-parameters", $"{file}::{NameOf(node)}", parameters.Parameters.Count);
            }
        }
    }

    public static IEnumerable<Finding> TypeNames(string file, string text)
    {
        foreach (var node in Nodes(text))
        {
            var name = node switch
            {
                BaseTypeDeclarationSyntax t => t.Identifier.Text,
                DelegateDeclarationSyntax d => d.Identifier.Text,
                _ => "",
            };
            if (Words(name).Any(s_emptyWords.Contains))
            {
                yield return new("type-name", $"{file}::{name}");
            }
        }
    }

    /// <summary>A test is a sentence: <c>Routes_to_the_replica_that_holds_the_longest_prefix</c>.</summary>
    public static IEnumerable<Finding> TestNames(string file, string text)
    {
        foreach (var method in Nodes(text).OfType<MethodDeclarationSyntax>())
        {
            var isTest = method.AttributeLists.SelectMany(l => l.Attributes)
                .Any(a => a.Name.ToString() is "Fact" or "Theory");
            var name = method.Identifier.Text;
            if (isTest && (!char.IsUpper(name[0]) || name.Split('_', StringSplitOptions.RemoveEmptyEntries).Length < 3))
            {
                yield return new("test-name", $"{file}::{name}");
            }
        }
    }

    private static IEnumerable<SyntaxNode> Nodes(string text) =>
        CSharpSyntaxTree.ParseText(text).GetRoot().DescendantNodes();

    // From the signature to the closing brace: what is said above the method does not make it long.
    private static int Lines(SyntaxNode node)
    {
        var span = node.SyntaxTree.GetLineSpan(node.Span);
        return span.EndLinePosition.Line - span.StartLinePosition.Line + 1;
    }

    private static string NameOf(SyntaxNode node) => node switch
    {
        MethodDeclarationSyntax m => m.Identifier.Text,
        LocalFunctionStatementSyntax l => l.Identifier.Text,
        ConstructorDeclarationSyntax c => c.Identifier.Text,
        TypeDeclarationSyntax t => t.Identifier.Text,
        AccessorDeclarationSyntax a => a.Keyword.Text,
        _ => node.Kind().ToString(),
    };

    private static IEnumerable<string> Words(string name)
    {
        var start = 0;
        for (var i = 1; i <= name.Length; i++)
        {
            if (i == name.Length || (char.IsUpper(name[i]) && !char.IsUpper(name[i - 1])) || name[i] == '_')
            {
                yield return name[start..i].Trim('_');
                start = i;
            }
        }
    }
}
