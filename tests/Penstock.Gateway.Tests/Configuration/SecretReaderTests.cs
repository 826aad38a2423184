using Penstock.Core.Config;
using Penstock.Gateway.Configuration;

namespace Penstock.Gateway.Tests.Configuration;

public sealed class SecretReaderTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("penstock-secrets-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void A_secret_comes_from_a_variable_without_the_blanks_around_it() =>
        Assert.Equal("word", Find(new(SecretKind.Environment, "V"), static v => v == "V" ? " word\n" : null).Text);

    [Fact]
    public void A_secret_comes_from_a_file_next_to_the_document()
    {
        File.WriteAllText(Path.Combine(_folder.FullName, "key"), "word\n");
        Assert.Equal("word", Find(new(SecretKind.File, "key")).Text);
    }

    [Fact]
    public void A_missing_secret_says_why_without_saying_more()
    {
        File.WriteAllText(Path.Combine(_folder.FullName, "empty"), " \n");
        File.WriteAllText(Path.Combine(_folder.FullName, "large"), new string('x', SecretReader.FileBytesMax + 1));
        Assert.Equal("does not exist", Find(new(SecretKind.File, "nothing")).Problem);
        Assert.Equal("is empty", Find(new(SecretKind.File, "empty")).Problem);
        Assert.Contains("more than", Find(new(SecretKind.File, "large")).Problem);
        Assert.Equal("is not set", Find(new(SecretKind.Environment, "V")).Problem);
        Assert.Equal("is empty", Find(new(SecretKind.Environment, "V"), static _ => "").Problem);
    }

    [Fact]
    public void A_secret_of_two_words_is_refused_and_not_repeated()
    {
        var yaml = Documents.Minimal + "\n    credential: {env: V}";
        var loaded = ConfigLoader.FromText(yaml, 1, new SecretReader(".", static _ => "two words").Read);
        var error = Assert.Single(loaded.Errors);
        Assert.Equal("pools[0].credential.env", error.Path);
        Assert.DoesNotContain("two", error.Message);
    }

    private SecretValue Find(SecretSource source, Func<string, string?>? variable = null)
    {
        var credential = source.Kind == SecretKind.File
            ? new CredentialConfig { File = source.Name }
            : new CredentialConfig { Env = source.Name };
        var document = new PenstockConfig
        {
            Pools = [new() { Name = "p", Model = "m", Replicas = [], Credential = credential }],
        };
        return new SecretReader(_folder.FullName, variable ?? (static _ => null)).Read(document).Find(source);
    }
}
